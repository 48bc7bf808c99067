//! Plots: results that say how they are shown, and numbers as a line of blocks. Drawing is the shell's.

use std::sync::Arc;

use crate::model::native::{Native, Natives};
use crate::model::plot::{PlotKind, PlotRequest};
use crate::model::{Args, Collection, Cx, Source, Type, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("automatic", |_, a| {
        let request = PlotRequest::of_kind(PlotKind::Automatic);
        Ok(Some(plotted(a.value(0), request)))
    }),
    Native::new("of_kind", |_, a| {
        let request = PlotRequest::of(a.value(1))?;
        Ok(Some(plotted(a.value(0), request)))
    }),
    Native::new("sparkline", sparkline),
];

/// The same elements, which say how they are shown.
fn plotted(value: &Value, request: PlotRequest) -> Value {
    let request = Arc::new(request);
    let of = |elements| Arc::new(Plotted { elements, request });
    match value {
        Value::Stream(stream) => Value::Stream(of(stream.clone())),
        Value::Bag(bag) => Value::Bag(of(bag.clone())),
        Value::Vector(elements) => match Value::bag(elements.to_vec()) {
            Value::Bag(bag) => Value::Bag(of(bag)),
            other => other,
        },
        other => other.clone(),
    }
}

/// A bag or stream that is shown as a plot.
struct Plotted {
    elements: Arc<dyn Collection>,
    request: Arc<PlotRequest>,
}

impl Collection for Plotted {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(PlottedRun {
            elements: self.elements.open(cx)?,
            request: self.request.clone(),
        }))
    }

    fn element_type(&self) -> Type {
        self.elements.element_type()
    }

    fn is_repeatable(&self, cx: &Cx) -> bool {
        self.elements.is_repeatable(cx)
    }

    fn known_len(&self) -> Option<u64> {
        self.elements.known_len()
    }
}

struct PlottedRun {
    elements: Box<dyn Source>,
    request: Arc<PlotRequest>,
}

impl Source for PlottedRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        self.elements.next(cx)
    }

    fn explain(&self, error: Error) -> Error {
        self.elements.explain(error)
    }

    fn is_live(&self) -> bool {
        self.elements.is_live()
    }

    fn plot(&self) -> Option<&Arc<PlotRequest>> {
        Some(&self.request)
    }
}

/// From the lowest to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn sparkline(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let mut elements = args.value(0).elements(cx)?;
    let mut numbers = Vec::new();
    while let Some(element) = elements.next(cx)? {
        looks.step()?;
        numbers.push(match &element {
            Value::Null => None,
            Value::Bool(holds) => Some(f64::from(u8::from(*holds))),
            other => match other.as_real() {
                Some(number) => Some(number).filter(|number| number.is_finite()),
                None => {
                    let message = format!("a sparkline shows numbers, not {other}");
                    return Err(Error::run(crate::text::diagnostic::shortened(message, 200)));
                }
            },
        });
    }
    if args.len() > 1 {
        let width = usize::try_from(args.int(1)?)
            .ok()
            .filter(|width| *width > 0);
        let Some(width) = width else {
            return Err(Error::run("the width of a sparkline is above 0"));
        };
        numbers = narrowed(&numbers, width);
    }
    Ok(Some(blocks(&numbers).into()))
}

/// At most so many numbers: the means of neighbours.
fn narrowed(numbers: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    if numbers.len() <= width {
        return numbers.to_vec();
    }
    let bound = |i: usize| (i as u128 * numbers.len() as u128 / width as u128) as usize;
    let part = |i| {
        let part = numbers[bound(i)..bound(i + 1)].iter().flatten();
        let count = part.clone().count();
        // Divided before they are added, so that large ones have a mean too.
        (count > 0).then(|| part.map(|number| number / count as f64).sum())
    };
    (0..width).map(part).collect()
}

fn blocks(numbers: &[Option<f64>]) -> String {
    let known = || numbers.iter().flatten().copied();
    let low = known().fold(f64::INFINITY, f64::min);
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let block = |number: &Option<f64>| match number {
        None => ' ',
        Some(_) if low == high => BLOCKS[3],
        // Halved, as the distance of the largest numbers is infinite.
        Some(number) => {
            let share = (number / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
            BLOCKS[((share * 8.0) as usize).min(7)]
        }
    };
    numbers.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::printed;
    use super::*;

    fn spark(numbers: &[f64]) -> String {
        let v = Value::vector(numbers.iter().map(|number| Value::Real(*number)));
        printed("plot:sparkline", &[v])
    }

    #[test]
    fn a_sparkline_has_a_block_for_each_number() {
        assert_eq!(spark(&[]), "\"\"");
        assert_eq!(spark(&[5.0, 5.0]), "\"▄▄\"");
        assert_eq!(spark(&[-1.0, 0.0, 1.0]), "\"▁▅█\"");
        assert_eq!(spark(&[-f64::MAX, f64::MAX]), "\"▁█\"");
        assert_eq!(spark(&[1.0, f64::NAN, f64::INFINITY, 2.0]), "\"▁  █\"");
        let wrong = Value::vector(["a".into()]);
        assert_eq!(
            printed("plot:sparkline", &[wrong]),
            "error: a sparkline shows numbers, not \"a\""
        );
    }

    #[test]
    fn a_narrow_sparkline_has_means() {
        let v = Value::vector((0..1000).map(Value::Int));
        let shown = printed("plot:sparkline", &[v.clone(), 8.into()]);
        assert_eq!(shown, "\"▁▂▃▄▅▆▇█\"");
        assert!(printed("plot:sparkline", &[v, 0.into()]).starts_with("error: "));
    }
}
