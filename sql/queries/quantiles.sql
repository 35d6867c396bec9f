-- title: Quantiles of durations over any grouping, with their error bound
-- about: One row a group and quantile. Histograms have 16 buckets to a doubling: the true value lies from at_least_ms to
--   at_most_ms, 4.4 % apart; the value between is interpolated. Groups are made of service, operation, kind, status and
--   the names of dimensions, such as http.route.
-- param by (text = service): what to group by, with commas between; empty = one group
-- param quantiles (text = 0.5,0.95,0.99,0.999): which quantiles, with commas between
-- param service (text = ): only this service; empty = all
-- param operation (text = ): only this operation; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 100): most groups
WITH arrayMap(text -> toFloat64OrNull(trimBoth(text)), splitByChar(',', {quantiles:String})) AS wanted
SELECT
    arrayStringConcat(names, ' | ') AS group,
    round(calls, 3) AS calls,
    quantile,
    round(exphist_quantile(assumeNotNull(quantile), hist) * 1000, 3) AS ms,
    round(exp2(bucket / 16) * 1000, 3) AS at_least_ms,
    round(exp2((bucket + 1) / 16) * 1000, 3) AS at_most_ms
FROM
(
    SELECT
        arrayMap(
            name -> multiIf(name = 'service', toString(ServiceName), name = 'operation', toString(SpanName), name = 'kind', toString(SpanKind),
                name = 'status', toString(StatusCode), Dims[name]),
            arrayMap(name -> trimBoth(name), splitByChar(',', {by:String}))
        ) AS names,
        sum(Calls) AS calls,
        sumMap(Hist) AS hist,
        arrayCumSum(mapValues(hist)) AS counts
    FROM {{SPAN_METRICS}}
    WHERE ({service:String} = '' OR ServiceName = {service:String})
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    GROUP BY names
    ORDER BY calls DESC, names
    LIMIT {limit:UInt64}
)
ARRAY JOIN
    wanted AS quantile,
    arrayMap(q -> mapKeys(hist)[arrayFirstIndex(c -> c >= assumeNotNull(q) * counts[-1], counts)], wanted) AS bucket
ORDER BY calls DESC, group, quantile
