//! The examples in the documentation of the built-in functions: `Example: EXPRESSION => RESULT`.

use osql::functions::table::BUILT_INS;

/// What the documentation says that an expression gives.
#[derive(Debug)]
pub struct Example {
    pub topic: &'static str,
    pub expression: &'static str,
    pub result: &'static str,
}

/// All of them.
pub fn examples() -> impl Iterator<Item = Example> {
    BUILT_INS.declarations.iter().flat_map(|declaration| {
        let (_, rest) = declaration.text.split_once("/*").unwrap_or_default();
        let comment = rest.split("*/").next().unwrap_or_default();
        comment.split("Example:").skip(1).map(|example| {
            let (expression, result) = example.split_once("=>").expect("EXPRESSION => RESULT");
            Example {
                topic: declaration.topic,
                expression: expression.trim(),
                result: result.trim(),
            }
        })
    })
}
