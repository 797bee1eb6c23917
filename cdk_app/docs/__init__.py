"""Documents that are computed: tables, pictures and costs. `python -m cdk_app.docs` writes them all."""
