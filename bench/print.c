/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A row, for people and for programs. See row.h; README.md says what the columns and the fields mean. */
#include "bench/row.h"

#include <stdio.h>

#define MIB (1 << 20)

void bench_print_head(void)
{
        printf("%-22s %7s  %-8s %11s %11s %11s %13s  %s\n", "name", "workers", "op", "ns/op",
               "best", "worst", "ops/s", "besides");
}

void bench_print_row(const struct bench_row *row)
{
        const struct bench_result *result = &row->result;
        printf("%-22s %7u  %-8s", row->bench->name, row->workers, row->bench->unit);
        if (result->skipped[0] != '\0') {
                printf(" no figure: %s\n", result->skipped);
                return;
        }
        printf(" %11.1f %11.1f %11.1f %13.0f ", row->ns_per_op, row->ns_per_op_min,
               row->ns_per_op_max, 1e9 / row->ns_per_op);
        if (result->max_ns > 0)
                printf(" p50 %llu, p99 %llu, p99.9 %llu, max %llu ns",
                       (unsigned long long)result->p50_ns, (unsigned long long)result->p99_ns,
                       (unsigned long long)result->p999_ns, (unsigned long long)result->max_ns);
        if (result->rss_bytes > 0)
                printf(" RSS %.1f MiB", (double)result->rss_bytes / MIB);
        if (result->rss_left_bytes > 0)
                printf(", then %.1f MiB", (double)result->rss_left_bytes / MIB);
        if (result->bytes_per_actor > 0)
                printf(", %.0f bytes each", result->bytes_per_actor);
        printf("\n");
}

static void print_json_figures(const struct bench_row *row)
{
        const struct bench_result *result = &row->result;
        printf(",\"runs\":%u,\"ops\":%llu,\"seconds\":%.6f,\"ns_per_op\":%.2f,"
               "\"ns_per_op_min\":%.2f,\"ns_per_op_max\":%.2f,\"ops_per_s\":%.0f",
               row->runs, (unsigned long long)result->ops, (double)result->ns / 1e9,
               row->ns_per_op, row->ns_per_op_min, row->ns_per_op_max, 1e9 / row->ns_per_op);
        if (result->max_ns > 0)
                printf(",\"p50_ns\":%llu,\"p99_ns\":%llu,\"p999_ns\":%llu,\"max_ns\":%llu",
                       (unsigned long long)result->p50_ns, (unsigned long long)result->p99_ns,
                       (unsigned long long)result->p999_ns, (unsigned long long)result->max_ns);
        if (result->rss_bytes > 0)
                printf(",\"rss_bytes\":%llu", (unsigned long long)result->rss_bytes);
        if (result->rss_left_bytes > 0)
                printf(",\"rss_left_bytes\":%llu", (unsigned long long)result->rss_left_bytes);
        if (result->bytes_per_actor > 0)
                printf(",\"bytes_per_actor\":%.0f", result->bytes_per_actor);
}

void bench_print_json(const struct bench_row *row)
{
        printf("{\"name\":\"%s\",\"workers\":%u,\"unit\":\"%s\"", row->bench->name, row->workers,
               row->bench->unit);
        if (row->result.skipped[0] != '\0')
                printf(",\"skipped\":\"%s\"", row->result.skipped);
        else
                print_json_figures(row);
        printf("}\n");
}
