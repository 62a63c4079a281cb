//! `admin client`: programs that ask for tokens.

use clap::{Arg, ArgMatches, Command};
use hallpass_server::admin::Command as Asked;
use hallpass_server::admin::command::NewClient;

use super::words::{group, many, maybe, one, several, switch, text};

pub(super) fn command() -> Command {
    let id = || text("id", "ID").required(true).help("Its client_id");
    group("client", "Programs that ask for tokens")
        .subcommand(
            Command::new("create")
                .about("Register a client; prints its secret, if it gets one, this once")
                .arg(id())
                .arg(text("name", "N").help("What people see [default: the id]"))
                .arg(switch("confidential", "It can keep a secret, and gets one"))
                .arg(several("redirect-uri", "URI").help("Where codes may be sent; complete"))
                .arg(several("post-logout-redirect-uri", "URI").help("Where sign-out may lead"))
                .arg(several("grant-type", "TYPE").help("What it may use [default: the usual ones]"))
                .arg(several("scope", "S").help("What it may ask for [default: everything]"))
                .arg(several("resource", "URI").help(
                    "What it may introspect tokens for [default: this server's own API, if confidential]",
                ))
                .arg(switch("without-pkce", "It may come without PKCE; only if confidential"))
                .arg(switch("require-dpop", "It gets only tokens that are bound to a key (RFC 9449)"))
                .arg(text("id-token-alg", "ALG").help("RS256 or ES256 [default: RS256]")),
        )
        .subcommand(Command::new("list").about("All clients"))
        .subcommand(
            Command::new("disable")
                .about("End everything of it, and issue nothing to it")
                .arg(Arg::new("id").value_name("ID").required(true).help("Its client_id")),
        )
}

pub(super) fn read(verb: &str, matches: &ArgMatches) -> Asked {
    match verb {
        "create" => Asked::ClientCreate(NewClient {
            id: one(matches, "id"),
            name: one(matches, "name"),
            confidential: matches.get_flag("confidential"),
            redirect_uris: many(matches, "redirect-uri"),
            post_logout_redirect_uris: many(matches, "post-logout-redirect-uri"),
            grant_types: many(matches, "grant-type"),
            scopes: many(matches, "scope"),
            resources: many(matches, "resource"),
            without_pkce: matches.get_flag("without-pkce"),
            id_token_alg: maybe(matches, "id-token-alg"),
            dpop_required: matches.get_flag("require-dpop"),
        }),
        "list" => Asked::ClientList,
        _ => Asked::ClientDisable { id: one(matches, "id") },
    }
}
