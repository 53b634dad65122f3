import Bytes
import Foundation

/// The XML of S3's answers: the text of elements by their names.
///
/// It is no general parser. These documents have no relevant attributes, no CDATA sections, and no
/// element inside another of the same name.
struct S3Document {
    private let text: Substring

    init(_ body: [UInt8]) { text = Substring(decoding: body, as: UTF8.self) }

    private init(text: Substring) { self.text = text }

    /// Returns the elements of this name, in order.
    func elements(_ name: String) -> [S3Document] {
        var found: [S3Document] = []
        var rest = text
        while let start = rest.firstRange(of: "<\(name)>"),
            let end = rest[start.upperBound...].firstRange(of: "</\(name)>")
        {
            found.append(S3Document(text: rest[start.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return found
    }

    /// The text of the first element of this name.
    subscript(name: String) -> String? { elements(name).first.map { Self.unescaped($0.text) } }

    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("&") else { return String(text) }
        let entity = #/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/#
        return String(text).replacing(entity) { match in
            let (whole, hex, decimal, name) = match.output
            let number = hex.map { UInt32($0, radix: 16) } ?? decimal.map { UInt32($0) } ?? nil
            if let scalar = number.flatMap(Unicode.Scalar.init) { return String(scalar) }
            return name.flatMap { named[String($0)] } ?? String(whole)
        }
    }

    private static let named = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
}

/// A page of a list of objects.
struct S3Page {
    let keys: [String]
    /// The token of the next page, or nil after the last page.
    let next: String?

    /// Reads a page, or returns nil if `body` is not a list.
    init?(_ body: [UInt8]) {
        let document = S3Document(body)
        guard let truncated = document["IsTruncated"] else { return nil }
        let isEncoded = document["EncodingType"] == "url"
        var keys: [String] = []
        for element in document.elements("Contents") {
            guard let key = element["Key"] else { return nil }
            keys.append(isEncoded ? key.percentDecoded() : key)
        }
        self.keys = keys
        next = truncated == "true" ? document["NextContinuationToken"] : nil
        if truncated == "true", next == nil { return nil }
    }
}

extension String {
    /// Returns the text that was encoded as in a form: `%XX`, and `+` for a space.
    func percentDecoded() -> String {
        let text = replacing("+", with: " ")
        // Malformed text is kept as it is.
        return [UInt8](percentDecoding: text.utf8).map { String(decoding: $0, as: UTF8.self) }
            ?? text
    }
}
