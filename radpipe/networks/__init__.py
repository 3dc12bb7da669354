"""Encoders: what is known of them, their weights, and how they are trained."""
