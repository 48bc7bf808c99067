//! Scripts as people write them: all of it parses.

use crate::syntax::{Splitter, statement};

const SCRIPT: &str = r##"
loadsystem(startup_dir()+"../extenders/sa.mqtt","mqtt.osql");
set :options = { "qos": 1, "connection": "ssl://broker.example:8883",
    "cafile": sa_home() + "ca.crt", "clientid": "pump" + sha256(ntoa(rand(10e16))) };
mqtt:register_client("plant", :options);
publish(streamof({"state": "on", "at": |2024-02-29T12:00:00.5Z|}), "plant:pump/1");
select json:unstringify(charstring(b)) from binary b where b in subscribe("plant:pump/+");
create function hot() -> Stream of Charstring
  /* Readings above zero. */
  as select stream of json:stringify({ "reading": v, "time": utc_time(now()) })
       from number v where v in simstream(0.1) and v > 0;
create type Pump under Machine;
create function name(Pump) -> Charstring key as stored;
create Pump(name, rpm, site) instances :p ("north", 900, :s), ("south " + "east", 75*10, null);
create function pump(Charstring name) -> Pump as inverse of name;
select name(p), max(rpm(p)) from Pump p where site(p) = :s group by name(p) order by max(rpm(p)) desc limit 3;
select vector of :u[i] * :v[i] from Integer i order by i;
select l from Vector of Number l where [1, 2] - l = [11, 12];
select k, v from Object k, Object v where [k, v] in pairs(:r) and (k, v) in f(:r);
create function slow(Integer limit) -> Integer old
  as for each Pump p, Integer r where r > limit and r = rpm(p) { return r; set rpm(p) = limit; };
twinagg(stamped(), .5, #'above', [6]);
create function level(Real x) -> Charstring
  as case when x <= -40 then "low" when x < 18 then 'mid' else "high" end;
minkowski([1,2],[3,4], 1.e320);
select v from Stream of Vector s, Vector of Stream vs, Vector v
 where s = streams:pivot(vs) and vs = [1+simstream(0.02), 2+simstream(.2)] and v in s limit 14;
select value(w)[1], timestamp(w) from Timeval of Vector of Number w where w in twinagg(ts(simstream(.1)), 1, 1);
apply(#'number.number.plus->number', [2, 3.5]);
{'sa_plot': 'Line plot', 'memory': 200};
validate "sums" check 1+1 => 2 check in(bag(1,2)) => bag(2,1);
"##;

#[test]
fn scripts_parse() {
    let mut splitter = Splitter::new("script");
    splitter.push(SCRIPT);
    let mut count = 0;
    while let Some(source) = splitter.next_statement() {
        if let Err(error) = statement(&source) {
            panic!("{}", error.render(false));
        }
        count += 1;
    }
    assert_eq!(count, 23);
    assert!(!splitter.is_pending());
}
