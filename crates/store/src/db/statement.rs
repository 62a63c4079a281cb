//! Statements are declared, never made up at run time, so that a test can prepare
//! every one of them on both engines.

use crate::Engine;

/// A declared SQL statement. Only [`statements!`] makes one.
pub(crate) struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    /// To be called by [`statements!`] alone.
    pub(crate) const fn declare(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    /// Its text for `engine`.
    pub(crate) const fn sql(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// Declares the statements of a noun, and the list of them, `STATEMENTS`.
///
/// ```text
/// ONE = "…";                        one text for both engines
/// TWO = "…", postgres + "FOR SHARE"; PostgreSQL, which has many writers, is told to
///                                   hold the rows until the transaction ends
/// THREE = "…", postgres = "…";      another text for PostgreSQL
/// ```
macro_rules! statements {
    (@make $both:expr) => { $crate::db::Statement::declare($both, $both) };
    (@make $both:expr, + $more:expr) => {
        $crate::db::Statement::declare($both, concat!($both, " ", $more))
    };
    (@make $sqlite:expr, = $postgres:expr) => {
        $crate::db::Statement::declare($sqlite, $postgres)
    };
    ($($(#[$doc:meta])* $name:ident = $sql:expr $(, postgres $how:tt $other:expr)?;)*) => {
        $(
            $(#[$doc])*
            static $name: $crate::db::Statement =
                $crate::db::statements!(@make $sql $(, $how $other)?);
        )*
        /// All statements of this file.
        pub(crate) static STATEMENTS: &[&$crate::db::Statement] = &[$(&$name),*];
    };
}
pub(crate) use statements;
