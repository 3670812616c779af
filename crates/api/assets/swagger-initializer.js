// Starts Swagger UI. By itself it fills every optional field of a form with an example, and sends them
// all; here a field begins empty, and only what was typed or chosen is sent.
const emptyForms = () => ({
  wrapComponents: {
    JsonSchemaForm:
      (Form, { React }) =>
      (props) => {
        const isFieldOfForm = props.dispatchInitialValue && !props.required;
        React.useEffect(() => {
          if (isFieldOfForm) props.onChange("");
        }, []);
        return React.createElement(Form, isFieldOfForm ? { ...props, dispatchInitialValue: false } : props);
      },
  },
});

window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "/docs.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    persistAuthorization: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl, emptyForms],
    layout: "StandaloneLayout",
  });
};
