//! Integers and reals: exact comparison, whole reals, and the one printed form of a real.

use std::cmp::Ordering;

/// The integer that `real` is, if it is whole and fits 64 bits.
pub fn whole(real: f64) -> Option<i64> {
    // 2^63 itself does not fit.
    (real.fract() == 0.0 && (-9.223372036854775808e18..9.223372036854775808e18).contains(&real))
        .then_some(real as i64)
}

/// Orders reals; not-a-number comes last and equals itself, the two zeros are equal.
pub fn cmp_reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Orders an integer and a real by amount, exactly, also where a real cannot hold the integer.
pub fn cmp_int_real(i: i64, r: f64) -> Ordering {
    if r.is_nan() {
        return Ordering::Less;
    }
    if r >= 9.223372036854775808e18 {
        return Ordering::Less;
    }
    if r < -9.223372036854775808e18 {
        return Ordering::Greater;
    }
    let below = r.floor();
    i.cmp(&(below as i64)).then(if r > below {
        Ordering::Less
    } else {
        Ordering::Equal
    })
}

/// Appends `real` in the shortest form that reads back the same, always with a point or an exponent.
pub fn push_real(out: &mut String, real: f64) {
    use std::fmt::Write;
    let written = if real.is_nan() {
        write!(out, "nan")
    } else {
        write!(out, "{real:?}")
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_compare_exactly() {
        assert_eq!(
            cmp_int_real(9007199254740993, 9007199254740992.0),
            Ordering::Greater
        );
        assert_eq!(cmp_int_real(3, 3.5), Ordering::Less);
        assert_eq!(cmp_int_real(-3, -3.5), Ordering::Greater);
        assert_eq!(cmp_int_real(i64::MAX, 9.3e18), Ordering::Less);
        assert_eq!(cmp_int_real(7, 7.0), Ordering::Equal);
    }

    #[test]
    fn reals_keep_a_mark_of_their_type() {
        let mut out = String::new();
        for r in [1.0, 0.1, 1e17, -2.4e-21] {
            push_real(&mut out, r);
            out.push(' ');
        }
        assert_eq!(out, "1.0 0.1 1e17 -2.4e-21 ");
    }
}
