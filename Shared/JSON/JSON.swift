public import Foundation

/// The one way in which values are written as JSON: with sorted keys, so that equal values have
/// equal bytes.
public enum JSON {
    /// Returns the value as JSON in one line.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        try encode(value, indentation: nil)
    }

    /// Returns the value as JSON in one line.
    public static func data(_ value: some Encodable) throws -> Data { Data(try encode(value)) }

    /// Returns the list as ``data(_:)`` does, and pauses after each millisecond, so that its thread
    /// can do other work.
    ///
    /// - Throws: what the elements' encoding throws, and `CancellationError`.
    public static func data(
        pausing list: [some Encodable],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Data {
        var json = Data("[".utf8)
        var end = ContinuousClock.now + .milliseconds(1)
        for element in list {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            json.append(contentsOf: try encode(element))
            guard .now >= end else { continue }
            await Task.yield()
            try Task.checkCancellation()
            end = .now + .milliseconds(1)
        }
        json.append(UInt8(ascii: "]"))
        return json
    }

    /// Returns the value as JSON in one line.
    public static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }

    /// Returns the value as JSON with an indented line for each member.
    public static func pretty(_ value: some Encodable) throws -> Data {
        Data(try encode(value, indentation: 0))
    }

    private static func encode(_ value: some Encodable, indentation: Int?) throws -> [UInt8] {
        let draft = JSONDraft()
        try JSONEncoding(draft: draft, index: 0).encode(value)
        var json: [UInt8] = []
        draft.write(to: &json, indentation: indentation)
        return json
    }

    /// Reads the value from JSON.
    ///
    /// - Throws: `DecodingError`, and what the type's own decoding throws.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: some Collection<UInt8>
    ) throws -> Value {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(bytes as? [UInt8] ?? Array(bytes))
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "it is not JSON \(error.place)"))
        }
        return try JSONDecoding(document: document, index: 0).decode(type)
    }
}

extension KeyedDecodingContainer {
    /// Reads the value of a key, or returns `value` if the key is missing or null.
    public func decode<Value: Decodable>(_ key: Key, or value: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? value
    }
}

extension DecodingError {
    /// What is wrong and where, in one line.
    public var oneLine: String {
        let context: Context
        switch self {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
            context = found
        case .keyNotFound(let key, let context):
            let path = Self.path(context)
            return "\(path.isEmpty ? "it" : path) lacks '\(key.stringValue)'"
        @unknown default: return "it can't be read"
        }
        let path = Self.path(context)
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }

    /// A path such as `rules[0].targets`.
    private static func path(_ context: Context) -> String {
        context.codingPath.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
    }
}
