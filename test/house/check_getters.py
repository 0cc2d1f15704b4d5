# SPDX-License-Identifier: MIT
"""What can be set can be read: each bight_..._set_WORD of the public headers has its bight_..._get_WORD. Left out are
functions that are set to be called, and what is not bight's to remember; a line of those that has become untrue fails.

Argument: the include directory."""

import pathlib
import re
import sys

from declared import names_in

SETTER = re.compile(r"^bight_(?:\w+_)?set_\w+$")
LEFT_OUT = {
    # Handlers, and functions of tests.
    "bight_http_request_set_gone", "bight_http_site_set_error", "bight_trial_set_failure", "bight_simulation_set_check",
    "bight_pair_set_chunk_function",
    # The kernel's: bight_transport_descriptor for getsockopt.
    "bight_transport_set_nodelay", "bight_transport_set_keepalive", "bight_process_set_window",
    # Known by other names: bight_transport_peer, bight_line_receiver's own mode, an answer's content.
    "bight_layer_set_peer", "bight_line_set_raw_mode", "bight_line_set_line_mode", "bight_http_response_set_body",
    "bight_http_respond_set_cookie",
    # What a test has scripted itself.
    "bight_string_set_window", "bight_pair_set_chunk", "bight_pair_set_window", "bight_simulation_set_trace",
}


def main():
    include = pathlib.Path(sys.argv[1])
    names = {name for header in include.rglob("*.h") for name, _ in names_in(header)}
    missing = {name for name in names if SETTER.match(name) and name.replace("set_", "get_", 1) not in names}
    for name in sorted(missing - LEFT_OUT):
        print(f"{name} has no {name.replace('set_', 'get_', 1)}")
    for name in sorted(LEFT_OUT - missing):
        print(f"{name} is left out in vain: it has a getter, or is gone")
    return missing != LEFT_OUT


if __name__ == "__main__":
    sys.exit(main())
