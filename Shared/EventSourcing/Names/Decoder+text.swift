extension Decoder {
    /// Returns the value that `read` makes of a text.
    ///
    /// - Throws: `DecodingError` that names the valid `forms`.
    public func text<Value>(_ read: (String) -> Value?, _ forms: String) throws -> Value {
        let text = try singleValueContainer().decode(String.self)
        guard let value = read(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "'\(text)' is not \(forms)"))
        }
        return value
    }
}
