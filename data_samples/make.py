"""Make the three sample cases again: ``python data_samples/make.py [FOLDER]``."""

import sys
from pathlib import Path

from radpipe.demo import write_samples

if __name__ == "__main__":
    write_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
