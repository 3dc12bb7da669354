"""Models: scikit-learn estimators from a table to risk scores (higher = earlier event).

To add one: a file with a subclass of :class:`~radpipe.prognosis.models.base.Model` and one line in
``MODELS`` of :mod:`~radpipe.prognosis.models.table`. Nothing is imported here, because the command
line reads that table for its help.
"""
