# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What the parts of a soak have said (their last lines), in one sentence: awk -f tests/soak/summary.awk LOG...
# What a part that did not run would have counted is left out.

/^simulation: [0-9]+ seeds/ { seeds += $2 }
/^simulation: / { for (i = 2; i < NF; i++) if ($(i + 1) == "simulated") hours += $i }
/^simulation: / { for (i = 2; i < NF; i++) if ($(i + 1) ~ /^crashes/) faults += $i }
/^suites: / { claims += $2 }
/^schedules: [0-9]+ explored/ { schedules += $2 }
/^fuzz: [0-9]+ executions/ { executions += $2 }
/^fuzz: [0-9]+ inputs replayed/ { replayed += $2 }
/^original: [0-9]+ sequences/ { sequences += $2 }
/^faults survived: / { faults += $3 }
/crash reports: / { for (i = 2; i < NF; i++) if ($(i - 1) " " $i == "crash reports:") faults += $(i + 1) }
/^messages of the flood: / { flood += $5 }

function tell(count, what) {
        if (count > 0)
                said = said (said == "" ? "" : ", ") count " " what
}

END {
        tell(seeds, "seeds")
        if (hours > 0)
                said = said sprintf(", %.2f simulated hours", hours)
        tell(claims, "claims of suites on simulated nodes")
        tell(schedules, "schedules explored")
        tell(executions, "executions fuzzed")
        tell(replayed, "inputs replayed")
        tell(sequences, "sequences as in Erlang")
        tell(faults, "faults survived")
        tell(flood, "messages of a flood")
        print "soak: " (said == "" ? "nothing was counted" : said)
}
