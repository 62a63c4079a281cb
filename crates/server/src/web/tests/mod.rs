//! Pages on the real router, over a real issuer and a store in memory.

mod acting;
mod books;
mod consent;
mod device;
mod escaping;
mod forms;
mod html;
mod legacy;
mod orgs;
mod people;
mod rules;
mod settings;
mod site;
mod tokens;
mod walk;
mod words;
