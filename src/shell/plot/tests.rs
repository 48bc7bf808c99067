//! Known data, drawn: the characters are those that a person would draw.

use std::sync::Arc;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::data::PlotData;
use super::drawn::{Drawing, draw, lines_of};
use super::svg;
use crate::model::plot::{PlotKind, PlotSpec};
use crate::model::{Array, Timeval, Value};

/// A plot of that kind with these elements, of which there is one at least.
fn plot(kind: PlotKind, elements: &[Value]) -> PlotData {
    plot_of(&PlotSpec::new(kind), &[], elements, false)
}

fn plot_of(spec: &PlotSpec, columns: &[&str], elements: &[Value], is_live: bool) -> PlotData {
    let columns: Vec<Arc<str>> = columns.iter().map(|name| (*name).into()).collect();
    let mut plot = PlotData::new(spec, &columns, &elements[0], is_live).expect("it can be plotted");
    elements.iter().for_each(|element| plot.take(element));
    plot
}

/// What is drawn in so many columns and lines.
fn drawn(plots: &[PlotData], (width, height): (u16, u16)) -> String {
    let drawing = Drawing {
        width,
        height,
        colour: false,
        zone: &TimeZone::UTC,
    };
    let lines = lines_of(&draw(plots, drawing), false);
    lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

fn reals(numbers: impl IntoIterator<Item = f64>) -> Vec<Value> {
    numbers.into_iter().map(Value::Real).collect()
}

fn rows(rows: &[&[Value]]) -> Vec<Value> {
    rows.iter().map(|row| Value::vector(row.to_vec())).collect()
}

#[track_caller]
fn check(shown: &str, expected: &str) {
    // The first line begins below the quote.
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert!(shown == expected, "\n{shown}is not\n{expected}");
}

/// The points of each series, in the order of their elements.
fn points(plot: &PlotData) -> Vec<String> {
    let series = plot.series.iter().map(|(name, points)| {
        let points = points.iter().map(|point| match point.y {
            Some(y) => format!("{},{y}", point.x),
            None => format!("{},gap", point.x),
        });
        format!("{name}: {}", points.collect::<Vec<_>>().join(" "))
    });
    series.collect()
}

#[test]
fn what_follows_extends_and_a_whole_replaces() {
    let mut plot = plot(PlotKind::Line, &reals([1.0, 2.0]));
    assert_eq!(points(&plot), [": 1,1 2,2"]);
    plot.take(&Value::Null);
    plot.take(&Value::Real(f64::NAN));
    plot.take(&Value::array(Array::of_numbers(vec![7i64])));
    assert_eq!(points(&plot), [": 1,1 2,2 3,gap 4,gap 5,7"]);
    assert_eq!(
        plot.remarks(),
        ["a number that is not finite is a gap in the plot"]
    );
    plot.take(&Value::vector(rows(&[
        &[1.into(), 2.into()],
        &[3.into(), 4.into()],
    ])));
    assert_eq!(points(&plot), ["1: 1,1 2,3", "2: 1,2 2,4"]);
    let array = Array::of_numbers(vec![1i64, 2, 3, 4, 5, 6]).reshaped(vec![2, 3]);
    plot.take(&Value::array(array));
    assert_eq!(points(&plot), ["1: 1,1 2,2 3,3", "2: 1,4 2,5 3,6"]);
}

#[test]
fn names_come_from_records_labels_columns_and_strings() {
    let record = Value::record(
        [("a", Value::Int(1)), ("b", Value::Int(2))]
            .into_iter()
            .collect(),
    );
    assert_eq!(
        points(&plot(PlotKind::Line, &[record])),
        ["a: 1,1", "b: 1,2"]
    );
    let row = rows(&[&[1.into(), 2.into()]]);
    let spec = PlotSpec::new(PlotKind::Line);
    let of_columns = plot_of(&spec, &["x", "y"], &row, false);
    assert_eq!(points(&of_columns), ["x: 1,1", "y: 1,2"]);
    let labelled = PlotSpec {
        labels: vec!["up".into()],
        ..spec.clone()
    };
    assert_eq!(
        points(&plot_of(&labelled, &["x", "y"], &row, false)),
        ["up: 1,1", "2: 1,2"]
    );
    let rooms = rows(&[
        &["hall".into(), 20.into()],
        &["attic".into(), 11.into()],
        &["hall".into(), 21.into()],
    ]);
    let live = plot_of(&PlotSpec::new(PlotKind::Automatic), &[], &rooms, true);
    assert_eq!(points(&live), ["hall: 1,20 3,21", "attic: 2,11"]);
    let whole = plot(PlotKind::Automatic, &rooms);
    let bars: Vec<_> = whole
        .bars
        .iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    assert_eq!(
        (whole.kind, bars),
        (PlotKind::Bar, vec!["hall 21".into(), "attic 11".into()])
    );
}

#[test]
fn memory_is_bounded() {
    let spec = PlotSpec {
        memory: Some(3),
        ..PlotSpec::new(PlotKind::Line)
    };
    let numbers = reals((1..=10).map(f64::from));
    assert_eq!(
        points(&plot_of(&spec, &[], &numbers, true)),
        [": 8,8 9,9 10,10"]
    );
    // A series that has ended goes out of the window.
    let rooms = rows(&[
        &["a".into(), 1.into()],
        &["b".into(), 2.into()],
        &["b".into(), 3.into()],
        &["b".into(), 4.into()],
    ]);
    assert_eq!(
        points(&plot_of(&spec, &[], &rooms, true)),
        ["b: 2,2 3,3 4,4"]
    );
    let many = reals((0..100_000).map(f64::from));
    let live = plot_of(&PlotSpec::new(PlotKind::Line), &[], &many, true);
    assert_eq!(live.series[0].len(), 500);
    let whole = plot(PlotKind::Line, &many);
    assert!((5_000..=10_000).contains(&whole.series[0].len()));
    assert!(
        whole.remarks()[0].starts_with("the plot shows one of 16 results"),
        "{:?}",
        whole.remarks()
    );
    let wide = vec![Value::vector((0..1000).map(Value::Int))];
    let wide = plot(PlotKind::Line, &wide);
    assert_eq!(wide.series.len(), 64);
    assert_eq!(
        wide.remarks(),
        ["the plot shows 64 series, and there are more"]
    );
    // Bars have no such bound, as they stand beside each other.
    let bars = vec![Value::vector((0..1000).map(Value::Int))];
    assert_eq!(plot(PlotKind::Bar, &bars).series[0].len(), 1000);
}

#[test]
fn what_has_no_number_is_left_out_and_counted() {
    let mut plot = plot(PlotKind::Line, &reals([1.0]));
    plot.take(&"abc".into());
    plot.take(&Value::vector([]));
    assert_eq!(points(&plot), [": 1,1"]);
    assert_eq!(
        plot.remarks(),
        ["2 results cannot be plotted; of the first: there is no number in \"abc\""]
    );
    let nothing = PlotData::new(
        &PlotSpec::new(PlotKind::Automatic),
        &[],
        &"abc".into(),
        false,
    );
    assert!(nothing.is_none());
    let timed = |seconds: i64| Value::Time(Timeval::at(seconds * 1_000_000).stamp(1.into()).into());
    let mut plot = self::plot(PlotKind::Line, &[timed(5), timed(6)]);
    plot.take(&1.into());
    assert_eq!(points(&plot), [": 5,1 6,1"]);
    assert_eq!(plot.remarks().len(), 1);
}

#[test]
fn any_size_can_be_drawn_on() {
    let sine = reals((0..50).map(|i| (f64::from(i) / 5.0).sin()));
    let timed: Vec<_> = (0..30)
        .map(|i| {
            Value::Time(
                Timeval::at(i64::MAX / 30 * i)
                    .stamp(Value::Real(1e308))
                    .into(),
            )
        })
        .collect();
    let wide = vec![Value::vector((-500..500).map(Value::Int))];
    let named = rows(&[
        &["a long name of a room".into(), (-1e308).into()],
        &["ö日本".into(), 1e308.into()],
    ]);
    let nothing = vec![Value::Null];
    let data = [&sine, &timed, &wide, &named, &nothing];
    let kinds = [
        PlotKind::Line,
        PlotKind::Bar,
        PlotKind::Pie,
        PlotKind::Scatter,
        PlotKind::Multi,
        PlotKind::TextSingle,
    ];
    for kind in kinds {
        let plots: Vec<_> = data.iter().map(|data| plot(kind, data)).collect();
        for size in [
            (1, 1),
            (2, 2),
            (3, 40),
            (200, 1),
            (20, 5),
            (80, 24),
            (33, 7),
        ] {
            for some in plots.chunks(1).chain([&plots[..]]) {
                let shown = drawn(some, size);
                assert!(
                    shown.lines().count() <= size.1.into(),
                    "{kind:?} {size:?}\n{shown}"
                );
                let fits = |line: &str| line.width() <= size.0.into();
                assert!(shown.lines().all(fits), "{kind:?} {size:?}\n{shown}");
            }
        }
        svg::document(&plots, &TimeZone::UTC);
    }
}

fn waves() -> Vec<Value> {
    let wave = |i: i32| {
        let x = f64::from(i) / 5.0;
        Value::vector([x.sin().into(), x.cos().into()])
    };
    (0..50).map(wave).collect()
}

#[test]
fn lines_are_drawn_between_axes() {
    let sine = reals((0..200).map(|i| (f64::from(i) / 20.0).sin()));
    check(
        &drawn(&[plot(PlotKind::Line, &sine)], (60, 12)),
        "
 1.0 ┤     ⢀⠔⠊⠉⠙⠒⢄                           ⣠⠔⠋⠉⠙⠢⣄
     │    ⡴⠁      ⠱⡄                       ⢀⠞      ⠈⠢⡀
 0.5 ┤  ⢠⠋         ⠘⢆                     ⢠⠃         ⠘⣄
     │ ⢠⠃            ⢣                   ⡔⠃           ⠈⢆
   0 ┤⢠⠃              ⢣                 ⡜              ⠈⢢
     │⠁                ⢣               ⡜                 ⢣
     │                  ⠙⡄           ⢀⠜                   ⢣
-0.5 ┤                   ⠘⣄         ⢠⠊                     ⠑
     │                    ⠈⠦⡀      ⡰⠃
-1.0 ┤                      ⠈⠢⣄⣀⣠⠴⠋
     └──────────────────────────┬──────────────────────────┬
                               100                       200
",
    );
    check(
        &drawn(&[plot(PlotKind::Line, &sine)], (20, 8)),
        "
 1 ┤ ⣰⠋⢣       ⡴⠛⢆
   │⢠⠇ ⠈⣇     ⢰⠁ ⠘⡆
 0 ┤⡜   ⠸⡄    ⡏   ⢹
   │⠁    ⢧   ⢸    ⠈⡇
   │     ⠘⡄ ⢀⠇     ⠘
-1 ┤      ⠱⣄⡞
   └───────┬───────┬
          100    200
",
    );
}

#[test]
fn series_have_signs_where_there_are_no_colours() {
    check(
        &drawn(&[plot(PlotKind::Line, &waves())], (60, 12)),
        "
• 1: -0.3665  × 2: -0.9304
 1 ┤×××    •••••                     ×××××    •••••
   │   ×××•     •••               ×××     ××••     ••
   │  ••  ×        •             ×        • ×××      •••
   │ •     ××       ••          ×        •     ×        •
 0 ┤•        ×        •       ××       ••       ×        •
   │          ×        •     ×        •          ××       ••
   │           ××       ••  ×        •             ×
   │             ×××     ×××•     •••               ×××
-1 ┤                ×××××    •••••                     ×××××
   └─────────────────────┬──────────────────────┬───────────
                        20                     40
",
    );
}

#[test]
fn each_series_may_have_a_chart_of_its_own() {
    check(
        &drawn(&[plot(PlotKind::Multi, &waves())], (60, 16)),
        "
━ 1: -0.3665
 1 ┤    ⢀⡠⠔⠒⠉⠉⠉⠒⠢⢄                         ⢀⡠⠤⠒⠉⠉⠉⠑⠒⢄⡀
   │ ⢀⡠⠊⠁         ⠑⠢⢄                    ⣀⠔⠁         ⠈⠑⠤⡀
 0 ┤⠔⠁               ⠑⢄⡀              ⢀⠔⠉               ⠈⠢⢄
   │                   ⠈⠢⢄         ⢀⡠⠔⠁                    ⠑
-1 ┤                      ⠑⠢⠤⣀⣀⣀⣀⡠⠔⠁
   └─────────────────────┬──────────────────────┬───────────
                        20                     40
━ 2: -0.9304
 1 ┤⠉⠉⠒⠢⢄⡀                        ⢀⡠⠔⠒⠉⠉⠉⠉⠑⠢⣀
   │     ⠈⠒⢄                    ⢀⠔⠁          ⠉⠢⡀
 0 ┤        ⠑⢄                ⡠⠊⠁              ⠈⠢⢄
   │          ⠉⠒⢄          ⣀⠔⠉                    ⠑⠢⡀
-1 ┤             ⠑⠢⠤⠤⣀⣀⣀⡠⠔⠊                         ⠈⠑⠒⠤⣀⣀⣀⡠
   └─────────────────────┬──────────────────────┬───────────
                        20                     40
",
    );
}

#[test]
fn points_stand_between_two_axes_of_numbers() {
    check(
        &drawn(&[plot(PlotKind::Scatter, &waves())], (60, 12)),
        "
 1.0 ┤                   •    • •   • •  • •
     │          •   •                         ••  • •
 0.5 ┤   •  •                                         ••
     │ •                                                •••
   0 ┤•                                                    •
     │•                                                    •
     │ •                                                 ••
-0.5 ┤   •  •                                         ••
     │          •                             • • • •
-1.0 ┤               • •  • •  • •  • •  • •
     └──────────────────────────┬───────────────────────────
                                0
",
    );
}

#[test]
fn bars_without_names_are_columns() {
    check(
        &drawn(
            &[plot(PlotKind::Bar, &reals([1.0, -2.0, 3.0, 4.5]))],
            (40, 10),
        ),
        "
 5 ┤                           ▄▄▄▄▄▄▄▄
   │                  ▄▄▄▄▄▄▄▄ ████████
   │                  ████████ ████████
 0 ┤████████          ████████ ████████
   │▀▀▀▀▀▀▀▀ ████████ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀
   │         ████████
   │
-5 ┤
   └────┬────────┬────────┬────────┬────
        1        2        3        4
",
    );
}

#[test]
fn several_plots_stand_one_below_the_other() {
    let rooms = rows(&[
        &["hall".into(), 21.5.into()],
        &["attic".into(), (-3.0).into()],
        &["kitchen".into(), 10.0.into()],
    ]);
    let squares: Vec<_> = (0..30)
        .map(|i| {
            let time = Timeval::at(1_800_000_000_000_000 + i * 1_000_000);
            Value::Time(time.stamp(Value::Int(i * i)).into())
        })
        .collect();
    let plots = [
        plot(PlotKind::Line, &squares),
        plot(PlotKind::Bar, &rooms),
        plot(PlotKind::Pie, &rooms),
        plot(PlotKind::TextSingle, &squares),
    ];
    check(
        &drawn(&plots, (60, 16)),
        "
                                              2027-01-15 UTC
1000 ┤
     │                                                  ⣀⠤⠔⠊
     │                                            ⢀⡠⠤⠔⠒⠉
 500 ┤                                      ⣀⣀⠤⠤⠒⠊⠁
     │                               ⣀⡠⠤⠔⠒⠊⠉
     │                     ⢀⣀⡠⠤⠤⠤⠒⠒⠉⠉
   0 ┤⣀⣀⣀⣀⣀⣀⣀⣀⡠⠤⠤⠤⠤⠤⠔⠒⠒⠒⠉⠉⠉⠁
     └┬─────────────────┬──────────────────┬────────────────
  08:00:00          08:00:10           08:00:20
hall    │      ████████████████████████████████████████ 21.5
attic   │██████ -3
kitchen │      ██████████████████▋ 10
hall    │████████████████████████████████████████████ 68.3 %
kitchen │████████████████████▌ 31.7 %
ts(|2027-01-15T08:00:29.000Z|,841)
",
    );
}

#[test]
fn colours_are_escapes_in_the_lines() {
    let zone = TimeZone::UTC;
    let drawing = Drawing {
        width: 20,
        height: 2,
        colour: true,
        zone: &zone,
    };
    let lines = lines_of(
        &draw(
            &[plot(PlotKind::Pie, &[Value::vector([1.into()])])],
            drawing,
        ),
        true,
    );
    assert_eq!(
        (lines[0].text.as_str(), lines[0].width),
        ("1 \x1b[90m│\x1b[36m█████████ \x1b[0m100.0 %", 20)
    );
}
