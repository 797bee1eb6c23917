"""`python -m cdk_app.services.stand_ins MODULE:FUNCTION --port 8010`: a stand-in on loopback, until it is told to end.

The function makes the application, with its sample data.
"""

import argparse
from pkgutil import resolve_name

import uvicorn

from cdk_app.services.stand_ins.hosts import LocalNamesOnly


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cdk_app.services.stand_ins", description=__doc__)
    parser.add_argument("application", help="reference to the function that makes it, as the registry has it")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    arguments = parser.parse_args()
    uvicorn.run(
        LocalNamesOnly(resolve_name(arguments.application)()),
        host="127.0.0.1",
        port=arguments.port,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=1,  # a caller in the middle of a slow answer does not hold up the end of a run
    )


if __name__ == "__main__":
    main()
