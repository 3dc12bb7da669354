"""The image wing: images and masks in, one row of features a case out."""
