//! The audit log as the body of an answer: portion by portion, as fast as it is taken. One that
//! breaks off says so: whoever proves it misses its last line.

use axum::body::Body;
use bytes::Bytes;
use hallpass_issuer::audit::export::{Export, Form};
use hallpass_issuer::{Error, Issuer};
use hallpass_store::AuditFilter;

/// Where it comes from.
enum Source {
    Whole(Export),
    Rows(Form, AuditFilter, Option<i64>),
}

/// Lines that prove themselves.
pub(crate) fn whole(issuer: Issuer, export: Export) -> Body {
    body(issuer, Source::Whole(export))
}

/// What was looked for.
pub(crate) fn rows(issuer: Issuer, form: Form, filter: AuditFilter) -> Body {
    body(issuer, Source::Rows(form, filter, None))
}

fn body(issuer: Issuer, source: Source) -> Body {
    Body::from_stream(futures_util::stream::unfold(Some((issuer, source)), |state| async move {
        let (issuer, source) = state?;
        match portion(&issuer, source).await {
            Ok((None, _)) => None,
            Ok((Some(text), next)) => {
                Some((Ok(Bytes::from(text)), next.map(|source| (issuer, source))))
            }
            Err(error) => {
                crate::http::failure::log(&error);
                Some((Err(error), None))
            }
        }
    }))
}

async fn portion(
    issuer: &Issuer,
    source: Source,
) -> Result<(Option<String>, Option<Source>), Error> {
    match source {
        Source::Whole(mut export) => {
            let text = issuer.export_audit_on(&mut export).await?;
            Ok((text, Some(Source::Whole(export))))
        }
        Source::Rows(form, filter, before) => {
            // Who is meant is found once: a file is about one of them to its end.
            let filter = match before {
                None => issuer.by_ids(&filter).await?,
                Some(_) => filter,
            };
            let (text, next) = issuer.export_rows(form, &filter, before).await?;
            let next = next.map(|before| Source::Rows(form, filter, Some(before)));
            Ok((Some(text), next))
        }
    }
}
