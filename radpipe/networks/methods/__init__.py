"""Ways to train an encoder: a new one is one file, and one line here."""

from __future__ import annotations

from radpipe.networks.methods.autoencoder import Autoencoder
from radpipe.networks.methods.base import Method
from radpipe.networks.methods.cox import Cox
from radpipe.networks.methods.vicreg import VicReg

METHODS: dict[str, type[Method]] = {
    "vicreg": VicReg,
    "autoencoder": Autoencoder,
    "cox": Cox,
}
