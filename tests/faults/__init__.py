"""Faults injected from outside: the product has no hook for them. See ``sitecustomize``."""
