"""The table wing: from a feature table and outcomes to an evaluated model and its report."""
