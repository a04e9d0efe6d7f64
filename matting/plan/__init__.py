"""The plan: a table of what is drawn in each epoch, made before any image is read; independent of torch."""
