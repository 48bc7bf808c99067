//! Today's OSQL, versions 5 and 6 of the vendor's: what programs written for it rely on, with values.

mod arrays;
mod grouped_windows;
mod models;
mod streams;
mod validations;
