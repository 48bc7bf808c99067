//! The examples of the stream tutorials: values where they are fixed, shape and order where they live.

use crate::support::session::Db;

#[test]
fn continuous_queries() {
    let mut db = Db::new();
    db.gives("first_n(heartbeat(0.01),3);", "0.0\n0.01\n0.02");
    db.gives(
        "select sin(10*x) from Number x where x in heartbeat(0.01) limit 2;",
        "0.0\n0.09983341664682815",
    );
    db.gives(
        "first_n(sin(10*heartbeat(0.01)),2);",
        "0.0\n0.09983341664682815",
    );
    db.gives(
        "select sin(s) from Stream of Number s where s=10*heartbeat(.01) limit 2;",
        "0.0\n0.09983341664682815",
    );
    db.gives(
        "first_n(sample_stream(\"Hello stream\",0.01),2);",
        "\"Hello stream\"\n\"Hello stream\"",
    );
    db.gives("select Stream of x from Number x where x in simstream(0.001) and x > 0.7 limit 2;",
        &db_run("select x from Number i, Number x where i in iota(0,999) and x = simsig(i/1000) and x > 0.7 limit 2;"));
}

fn db_run(script: &str) -> String {
    Db::new().run(script)
}

#[test]
fn windows_of_the_tutorial() {
    let mut db = Db::new();
    db.gives(
        "first_n(dim(winagg(sin(heartbeat(0.001)*5),10,2)),2);",
        "10\n10",
    );
    db.gives(
        "first_n(mean(winagg(heartbeat(0.001),10,5)),2);",
        "0.0045\n0.0095",
    );
    db.gives(
        "first_n(median(winagg(heartbeat(0.001),10,5)),1);",
        "0.0045000000000000005",
    );
    db.gives(
        "first_n(dim(value(ts(winagg(simstream(0.001),10,5)))),1);",
        "10",
    );
    db.gives(
        "select dim(v) > 3 from Timeval of Vector of Number tv, Vector of Number v
          where tv in twinagg(ts_simstream(0.01),0.1,0.1) and v = value(tv) limit 2;",
        "true\ntrue",
    );
    db.gives(
        "select dim([mean(v), stdev(v), sum(v)]) from Vector of number v
               where v in winagg(simstream(0.001),20,1) limit 1;",
        "3",
    );
    db.gives(
        "select v[1] from vector v where v in winagg(heartbeat(.001), 1, 10) limit 2;",
        "0.0\n0.01",
    );
    db.gives(
        "select dim(value(tsv)) > 0 from Timeval of Vector tsv, stream of timeval s,
                number streamrate, number samplingrate
          where streamrate = .002 and samplingrate = .05 and s = streamof(ts(simstream(streamrate)))
            and tsv in twinagg(s, samplingrate, samplingrate) limit 2;",
        "true\ntrue",
    );
}

#[test]
fn streams_together() {
    let mut db = Db::new();
    db.gives(
        "select v[1] >= 0, v[2] from Stream of Vector pivot, Vector of Stream vs, Vector v
          where pivot = pivot_streams(vs, zeros(dim(vs)))
            and vs = [1+simstream(0.02), 2+simstream(.2)] and v in pivot and v[2] = 2 limit 1;",
        "[true,2.0]",
    );
    db.gives(
        "select dim(v) from Stream of Vector ps, Vector of Stream vs, Stream hbmod, Stream hbmodfast,
                Vector v, Vector of Number win
          where ps = pivot_streams(vs, zeros(dim(vs)))
            and vs = [simstream(0.002), winagg(3+3*simstream(.002),10,1), hbmod, hbmodfast]
            and hbmod = 1 - 2*mod(heartbeat(0.01), 2) and hbmodfast = mod(round(10*heartbeat(.01)), 2)
            and v in ps and win = v[2] and mean(win) > 0 limit 2;",
        "4\n4",
    );
    db.gives(
        "select dim(t[1]) from Matrix m, Matrix t
          where m in winagg(pivot_streams([simstream(0.002), heartbeat(0.002)], [0,0]),20,1)
            and t = transpose(m) and dim(t) = 2 limit 1;",
        "20",
    );
}

#[test]
fn what_has_not_come_yet_is_left_out() {
    // The first windows have nulls of the stream that had not begun.
    let mut db = Db::new();
    db.gives(
        "create function three() -> Stream of Vector of Number
           as pivot_streams([simstream(0.005), 1+heartbeat(0.005), simstream(0.006)]);
         select mean(t[1]) > -2, mean(t[2]) >= 1, mean(t[3]) < 2
           from Matrix m, Matrix t
          where m in winagg(three(),20,1) and t = transpose(m) limit 2;",
        "[true,true,true]\n[true,true,true]",
    );
    db.gives(
        "sum([null,1,2]); mean([null,1,2]); stdev([1,null,3]); median([null,1,2]);
         min([null,3,2]); max([null,3,2]); argmin([null,3,2]); argmax([null,3,2]);
         mean([null]); max([null]); sum([null]);",
        "3\n1.5\n1.4142135623730951\n1.5\n2\n3\n3\n2\n0",
    );
    db.gives(
        "select mean(w), min(w) from Vector w where w in winagg(vstream([null,1,3]),2,1);",
        "[1.0,1]\n[2.0,1]",
    );
}

#[test]
fn a_sensor_with_several_axes_is_reduced() {
    let mut db = Db::of(
        "create function axes() -> Stream of Vector of Number
           as select Stream of [x, 2*x, 10] from Number x where x in siota(1,12);
         create function sampled(Number every) -> Vector
           as select [real(timestamp(tsv)), value(tsv)[1]]
                from Timeval of Vector tsv, Stream of Timeval s, Stream of Vector sov
               where sov = axes() and tsv in twinagg(s, every, every)
                 and s = (select Stream of ts(timeval(v[1]), v) from Vector v where v in sov);
         create function latest(Number every) -> Vector as select sampled(every)[2];
         create function means(Number size) -> Stream of Vector of Number
           as select [mean(t[1]), mean(t[2]), mean(t[3])]
                from Matrix m, Matrix t
               where m in winagg(axes(),size,1) and t = transpose(m);",
    );
    db.gives(
        "sampled(4);",
        "[5.0,[1,2,10]]
         [9.0,[5,10,10]]
         [13.0,[9,18,10]]",
    );
    db.gives(
        "latest(3);",
        "[1,2,10]
         [4,8,10]
         [7,14,10]
         [10,20,10]",
    );
    db.gives(
        "first_n(means(4),2);",
        "[2.5,5.0,10.0]
         [3.5,7.0,10.0]",
    );
}

#[test]
fn the_largest_of_a_window_by_their_positions() {
    let mut db = Db::of(
        "create function strongest(Vector of Number v, Integer k) -> Vector of Integer
           as select Vector of i from Integer i, Number x where x = v[i] order by x desc limit k;
         create function features() -> Stream of Vector of Integer
           as select Stream of strongest(e,2) from Vector of Number e
               where e in winagg(vstream([3,9,1,7,0,0,0,0,2,4,8,6]),4,4) and max(e) > 0.1;",
    );
    db.gives("features();", "[2,4]\n[3,4]");
}

/// Three signals, ten samples.
const SIGNALS: &str = "create function multisignal() -> stream of timeval
   as select stream of ts(|2022-03-08T08:06:39Z| + x[1]/1000, [x[2],x[3],x[4]]) from Vector x
       where x in [[44,1,100,null],[144,2,100,1],[252,3,200,0],[345,4,300,0],[455,5,300,0],
                   [549,6,500,1],[660,7,500,0],[752,8,500,0],[861,9,600,1],[956,10,600,1]];";

#[test]
fn statistics_under_a_condition() {
    let mut db = Db::of(
        "create function signal_1() -> stream of timeval
           as select stream of ts(|2022-03-07T23:10:17Z| + x[1], x[2]) from Vector x
               where x in [[0.9,1],[1.0,2],[1.1,3],[1.2,4],[1.3,5],[1.4,6],[1.5,7],[1.6,8],[1.8,9],[1.9,10]];
         create function always_true(object o) -> boolean as select 1 = 1;
         create function threshold(Timeval of Number tn) -> boolean as select value(tn) > 6;
         create function threshold_param(Timeval of Number tn, Vector params) -> boolean
           as select value(tn) > params[1];",
    );
    db.gives(
        "select value(tsv) from timeval of vector tsv where tsv in twinagg(signal_1(), .5, #'always_true');",
        "[1]\n[1,2]\n[1,2,3]\n[1,2,3,4]\n[1,2,3,4,5]\n[2,3,4,5,6]\n[3,4,5,6,7]\n[4,5,6,7,8]\n[6,7,8,9]\n[7,8,9,10]",
    );
    let high = "ts(|2022-03-07T23:10:18.500Z|,[3,4,5,6,7])
        ts(|2022-03-07T23:10:18.600Z|,[4,5,6,7,8])
        ts(|2022-03-07T23:10:18.800Z|,[6,7,8,9])
        ts(|2022-03-07T23:10:18.900Z|,[7,8,9,10])";
    db.gives("twinagg(signal_1(), .5, #'threshold');", high);
    db.gives("twinagg(signal_1(), .5, #'threshold_param', [6]);", high);
}

#[test]
fn statistics_of_one_signal_when_another_says_so() {
    let mut db = Db::of(SIGNALS);
    db.does(
        "create function on_alert(timeval of vector tv, vector params) -> boolean
           as select v[signal_index] = 1 from vector v, number signal_index
               where v = value(tv) and signal_index = params[1];
         create function statistics_on_alert(Number signal_index) -> stream of vector
           as select [ts, mean(rpm_window), stdev(rpm_window)]
                from timeval of vector tsv, timeval ts, matrix v, matrix vt, vector of number rpm_window
               where tsv in twinagg(multisignal(), .5, #'on_alert', [signal_index])
                 and v = value(tsv) and vt = transpose(v) and ts = timestamp(tsv) and rpm_window = vt[2];",
    );
    db.gives(
        "statistics_on_alert(3);",
        "[|2022-03-08T08:06:39.144Z|,100.0,0.0]
         [|2022-03-08T08:06:39.549Z|,280.0,148.32396974191326]
         [|2022-03-08T08:06:39.861Z|,480.0,109.54451150103323]
         [|2022-03-08T08:06:39.956Z|,540.0,54.772255750516614]",
    );
}
