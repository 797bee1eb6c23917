"""`python -m cdk_app.local.bluesky --port 8013`: the sample accounts on one loopback port, until it is told to end."""

import argparse

import uvicorn

from cdk_app.local.bluesky import World, bluesky_app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cdk_app.local.bluesky", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    arguments = parser.parse_args()
    uvicorn.run(
        bluesky_app(World()),
        host="127.0.0.1",
        port=arguments.port,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
