import Bytes

/// The text format of Prometheus, version 0.0.4.
public enum Exposition {
    /// The media type of the format.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Returns the metrics as text, except those without a sample.
    public static func text(_ metrics: [Metric]) -> String {
        var text = ""
        for metric in metrics where !metric.samples.isEmpty {
            text += "# HELP \(metric.name) \(escaped(metric.help))\n"
            text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for sample in metric.samples {
                let labels = sample.labels.map {
                    "\($0.name)=\"\(escaped($0.value, quote: true))\""
                }
                text += metric.name + sample.suffix
                if !labels.isEmpty { text += "{\(labels.joined(separator: ","))}" }
                text += " \(self.text(sample.value))\n"
            }
        }
        return text
    }

    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }

    /// Returns the text with line breaks and backslashes escaped.
    ///
    /// - Parameter quote: whether quotes and other controls are escaped, too.
    private static func escaped(_ text: String, quote: Bool = false) -> String {
        // Compares scalars, because CR LF is one character and not equal to `\n`.
        text.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "\n": escaped += "\\n"
            case "\\": escaped += "\\\\"
            case "\"" where quote: escaped += "\\\""
            case _ where quote && !String(scalar).isVisible:
                // A person may read metrics on a terminal.
                escaped += String(scalar).visible.replacing("\\", with: "\\\\")
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}
