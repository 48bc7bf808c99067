//! Names of functions in other languages, with what does their work here. A person who types one of
//! them knows what they want: the nearest name by its letters would lead them astray.

/// What stands in for a function of SQL, Python, JavaScript, jq, Flink or InfluxQL that is called
/// `name`, in words that can follow "help:"; `None` if the name is not known from elsewhere.
pub fn replacement(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let row = FOREIGN_NAMES
        .iter()
        .find(|(names, _)| names.split(' ').any(|known| known == lower));
    row.map(|(_, help)| *help)
}

/// Names in lower case with spaces between them, and what is written here.
const FOREIGN_NAMES: &[(&str, &str)] = &[
    // Aggregates
    ("average", "the mean of a bag is mean(b)"),
    (
        "len strlen char_length character_length size",
        "the characters of a string are counted by length(s), the elements of a vector by dim(v), those of \
         a bag by count(b)",
    ),
    (
        "stddev stddev_samp std stdevp stddev_pop",
        "the standard deviation of a sample is stdev(b)",
    ),
    (
        "var variance var_samp var_pop",
        "the variance is the square of stdev(b): stdev(b)^2",
    ),
    (
        "percentile quantile percentile_cont percentile_disc approx_quantile",
        "the middle of a bag is median(b); other quantiles are elements of an ordered vector: \
         (select vector of x from … order by x)[i]",
    ),
    (
        "first_value",
        "the first element is first(b), the first n are first_n(b, n)",
    ),
    ("last_value", "the last element is last(b)"),
    (
        "array_agg collect collect_list list_agg arrayagg to_list list tolist",
        "a bag becomes a vector by vectorof(b) or select vector of …",
    ),
    (
        "string_agg group_concat listagg join",
        "the elements of a bag are joined by concatagg(b)",
    ),
    (
        "any_value any",
        "one element is first(b); whether there is one that holds is some(b)",
    ),
    // Text
    (
        "substr substring mid slice",
        "a part of a string, vector or bag is section(x, first position, last position), counted from 1",
    ),
    (
        "ucase toupper touppercase upcase ascii_upcase",
        "capital letters come from upper(s)",
    ),
    (
        "lcase tolower tolowercase downcase ascii_downcase",
        "small letters come from lower(s)",
    ),
    (
        "strip btrim",
        "white space is taken away by trim(s), other characters by trim(' .', s)",
    ),
    (
        "lstrip trimstart",
        "white space is taken away by ltrim(s), other characters by ltrim(' .', s)",
    ),
    (
        "rstrip trimend",
        "white space is taken away by rtrim(s), other characters by rtrim(' .', s)",
    ),
    (
        "contains includes has instr",
        "write like(s, '*part*'), or x in v for an element of a bag or vector",
    ),
    (
        "startswith starts_with hasprefix",
        "write like(s, 'beginning*')",
    ),
    ("endswith ends_with hassuffix", "write like(s, '*end')"),
    (
        "indexof index_of strpos charindex position find index",
        "where a part begins is locate(part, s), counted from 1",
    ),
    (
        "regex regexp regexp_like regexp_matches regexp_match rlike match test matches re:match re:search",
        "regular expressions are regex_match(s, pattern); patterns with * and ? are like(s, pattern)",
    ),
    (
        "regexp_replace gsub re:sub",
        "what matches is replaced by regex_replace(s, pattern, replacement)",
    ),
    (
        "replaceall replace_all translate",
        "parts of a string are replaced by replace(s, ['from'], ['to']), patterns by \
         regex_replace(s, pattern, replacement)",
    ),
    (
        "regexp_extract regexp_substr regexp_groups capture scan findall re:findall",
        "what groups of a pattern match is regex_groups(s, pattern), of all matches \
         regex_all_groups(s, pattern)",
    ),
    ("concat_ws", "strings are joined with +: a + ', ' + b"),
    (
        "printf sprintf format_string",
        "values are put into text by format('{} is {:.1f}', name, x)",
    ),
    // Numbers
    (
        "int to_int toint parseint to_integer int64 bigint trunc truncate",
        "a string becomes a number by aton(s); a number loses its fraction by integer(x), floor(x) or \
         round(x)",
    ),
    (
        "float double to_number tonumber parsefloat to_float todouble to_double numeric decimal",
        "a string becomes a number by aton(s), an integer a real by real(x)",
    ),
    ("ceil", "the next whole number above is ceiling(x)"),
    (
        "log log2 logarithm",
        "logarithms are ln(x), to base e, and log10(x)",
    ),
    ("pow", "powers are written x ^ y, or power(x, y)"),
    ("sqr square", "write x ^ 2"),
    ("remainder fmod", "the remainder is x % y, or mod(x, y)"),
    (
        "random uniform randint",
        "a random number below a bound is rand(bound) for integers and frand(bound) for reals",
    ),
    ("sgn", "the sign is sign(x)"),
    ("greatest", "the greatest of some values is max(bag(a, b))"),
    ("least", "the least of some values is min(bag(a, b))"),
    // Conversions and types
    (
        "str to_string tostring to_char tochar string text varchar",
        "a number becomes a string by ntoa(x), any value by stringify(x), bytes by charstring(b)",
    ),
    (
        "to_json tojson dumps json_dumps json_encode json_object json:encode json:dumps",
        "a value becomes JSON by json:stringify(x)",
    ),
    (
        "json_parse parse_json from_json fromjson loads json_loads json_decode json_extract json_value \
         json:parse json:decode json:loads",
        "JSON becomes a value by json:unstringify(s); a field of it is r['key']",
    ),
    (
        "typename type_of type classof pg_typeof",
        "the type of a value is typeof(x), its name name(typeof(x))",
    ),
    (
        "convert try_cast safe_cast",
        "write cast(x as Type); try(cast(x as Type), otherwise) where it may fail",
    ),
    ("try_catch catch", "write try(expression, otherwise)"),
    (
        "keys object_keys",
        "the keys and values of a record are its pairs: select k from Charstring k, Object v where r[k] = v",
    ),
    (
        "values object_values",
        "the values of a record are: select v from Charstring k, Object v where r[k] = v",
    ),
    (
        "to_entries entries items",
        "the pairs of a record are: select k, v from Charstring k, Object v where r[k] = v",
    ),
    // Absent values and choices
    (
        "isnull is_null zeroifnull nvl2",
        "whether there is no value is x is null; what stands in for it is coalesce(x, otherwise), and \
         try(x, otherwise) for what fails",
    ),
    (
        "iif if ifelse decode choose",
        "write case when condition then a else b end",
    ),
    // Time
    (
        "date datetime to_timestamp to_date todatetime strptime parse_date parsedate \
         date_parse from_iso8601_timestamp",
        "a string becomes a time by parse_iso_timestamp(s); a time is written |2026-01-31T12:00:00Z|",
    ),
    (
        "current_timestamp getdate utcnow sysdate systimestamp localtimestamp current_time current_date today",
        "the time now is now()",
    ),
    (
        "unix_timestamp epoch to_unixtime time",
        "the seconds since 1970 are rnow()",
    ),
    (
        "from_unixtime fromtimestamp",
        "a value stamped with seconds since 1970 is ts(seconds, value)",
    ),
    (
        "date_format strftime format_date to_iso8601 toisostring",
        "a time becomes ISO text by stringify(t)",
    ),
    // Collections and queries
    (
        "unnest explode flatten_array lateral",
        "the elements of a vector are named by in: select x from Object x where x in v",
    ),
    (
        "map foreach",
        "write select f(x) from Object x where x in b",
    ),
    (
        "filter",
        "write select x from Object x where x in b and condition",
    ),
    (
        "sort sorted sort_by order_by",
        "write select x from Object x where x in b order by x",
    ),
    (
        "group_by groupby",
        "write select k, mean(x) from … group by k",
    ),
    (
        "distinct dedupe uniq",
        "write select distinct …, or unique(b)",
    ),
    (
        "generate_series sequence seq xrange arange linspace",
        "whole numbers are iota(from, to), range(n), and siota(from, to) as a stream",
    ),
    (
        "row_number rank dense_rank enumerate",
        "write select vector of … order by …: positions are its indices",
    ),
    ("foldl", "write aggregate(b, #'function')"),
    (
        "head take limit",
        "write select … limit n, or first_n(b, n)",
    ),
    ("tail drop", "skip the first n with skip(s, n)"),
    // Streams
    (
        "tumble hop tumblingwindow hoppingwindow slidingwindow window tumbling",
        "groups of each minute come from group by …, window(60); windows as vectors are \
         winagg(stream, size, stride) by count and twinagg(stream, seconds, seconds) by time",
    ),
    (
        "moving_average movingaverage rolling moving_avg rolling_mean",
        "write select stream of mean(w) from Vector w where w in winagg(stream, size, 1)",
    ),
    (
        "lag prev previous",
        "the element before is in a window of two: winagg(stream, 2, 1)",
    ),
    (
        "derivative difference delta diff",
        "write select stream of w[2] - w[1] from Vector w where w in winagg(stream, 2, 1)",
    ),
    (
        "interval every setinterval",
        "a beat is heartbeat(seconds), the latest value at each is sample_every(stream, seconds)",
    ),
    ("wait delay settimeout", "wait with sleep(seconds)"),
    // Speaking and listening
    (
        "echo puts println console:log console_log say",
        "write the value itself as a statement, or print(x)",
    ),
    (
        "connect mqtt_connect",
        "a broker is named by mqtt:register_client('name', {'connection': 'mqtt://host'})",
    ),
    (
        "mqtt_subscribe mqtt:subscribe sub",
        "write subscribe('client:topic filter')",
    ),
    (
        "mqtt_publish mqtt:publish pub emit send",
        "write publish(stream, 'client:topic')",
    ),
    (
        "source import include require load",
        "a script is run by load_osql('file')",
    ),
    ("quit exit bye logout", "quit and exit have no parentheses"),
    (
        "help man describe",
        "what a function does is said by doc('name')",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once() {
        let mut all: Vec<_> = FOREIGN_NAMES
            .iter()
            .flat_map(|(names, _)| names.split(' '))
            .collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
