//! Prints the OpenAPI document, for `make openapi`.

fn main() {
    print!("{}", clearcut_api::openapi_json());
}
