"""`python -m cdk_app.local.standins --port 8010`: the sample world on one loopback port, until it is told to end."""

import argparse

import uvicorn

from cdk_app.local.standins import World, standins_app
from cdk_app.local.standins.world import SAMPLE_GEMINI_DELAY_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cdk_app.local.standins", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument(
        "--gemini-delay-seconds",
        type=float,
        default=SAMPLE_GEMINI_DELAY_SECONDS,
        help="how long the video model takes to watch a video (default %(default)s)",
    )
    arguments = parser.parse_args()
    world = World.sample(gemini_delay_seconds=arguments.gemini_delay_seconds)
    uvicorn.run(
        standins_app(world),
        host="127.0.0.1",
        port=arguments.port,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=1,  # a caller in the middle of a slow answer does not hold up the end of a run
    )


if __name__ == "__main__":
    main()
