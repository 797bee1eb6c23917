"""Pages as pure functions: values in, HTML out."""
