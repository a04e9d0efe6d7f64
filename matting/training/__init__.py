"""Training: the Lightning module, the datamodule, callbacks and loggers."""
