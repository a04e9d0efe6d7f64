"""The plan: what is drawn in each epoch, as a table made before any image is read; needs no torch."""
