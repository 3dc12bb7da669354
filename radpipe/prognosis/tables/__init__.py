"""Tables: load features, reduce them to one row a patient, join them with outcomes."""

from radpipe.prognosis.tables.clinical import (
    clean_columns,
    join_clinical,
    join_columns,
    label_columns,
    read_clinical,
)
from radpipe.prognosis.tables.columns import (
    feature_columns,
    name_of_table,
    require_columns,
    volume_column,
)
from radpipe.prognosis.tables.features import load_features
from radpipe.prognosis.tables.outcomes import endpoint_of
from radpipe.prognosis.tables.per_patient import PER_PATIENT

__all__ = [
    "PER_PATIENT",
    "clean_columns",
    "endpoint_of",
    "feature_columns",
    "join_clinical",
    "join_columns",
    "label_columns",
    "load_features",
    "name_of_table",
    "read_clinical",
    "require_columns",
    "volume_column",
]
