"""A cohort's embeddings: patches by batch workers, then an encoder in the command's own process.

::

    cohort.embed_run             the whole
      order.Order, encoder.chosen    what is asked for, and its weights: before any image is read
      batch.cut_patches              a patch a case
      fitting.fitted                 an encoder of these cases, where there are no weights
      vectors                        embeddings one by one, and the table
    status                         how far a command is
"""

from radpipe.extraction.embedding.cohort import Embedded, embed, embed_run
from radpipe.extraction.embedding.order import Order

__all__ = ["Embedded", "Order", "embed", "embed_run"]
