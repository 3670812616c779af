//! Prints the OpenAPI document. `make openapi` writes it to `openapi.json`.

fn main() {
    print!("{}", clearcut_api::openapi_json());
}
