/* SPDX-License-Identifier: MIT */
/* main.c - the scenarios of bight's own, for the explorer: `scenarios --list`, `scenarios echo --seeds 10000`.
 *
 * Each draws its hosts, sizes, moments and trouble from the seed; what is found replays from it. The command line is
 * that of <bight/testing/explorer.h>. */
#include "scenario.h"

int main(int argc, char **argv)
{
    const struct bight_scenario scenarios[] = { echo_scenario, chat_scenario, connect_scenario, half_close_scenario,
        relay_scenario, drain_scenario, streams_scenario, flood_scenario, crawl_scenario, ledger_scenario,
        knock_scenario, tls_scenario, http_scenario, feed_scenario, fetch_scenario, room_scenario, journal_scenario };
    register_knock();
    return bight_explorer_main(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
