import EventSourcing
import Foundation
import JSON

/// The attributes of a CloudEvent. Each is read once, so that the remaining ones are known.
struct Attributes {
    /// The attributes that are not read yet, as JSON.
    private(set) var rest: [String: ArraySlice<UInt8>] = [:]

    init(_ line: ArraySlice<UInt8>) throws(DaybookError) {
        let members: [(name: String, value: ArraySlice<UInt8>)]
        do throws(JSONError) {
            members = try JSONScanner.members(of: line)
        } catch {
            throw DaybookError(.invalid, "it is not JSON \(error.place)")
        }
        for (name, value) in members {
            try require(
                Self.isName(name), .invalid, "'\(name)' is not an attribute name: use a-z and 0-9")
            let isNew = rest.updateValue(value, forKey: name) == nil
            try require(isNew, .invalid, "it has '\(name)' twice")
        }
        // A null attribute counts as missing, but the data may be null.
        for (name, value) in rest where name != "data" && value.elementsEqual("null".utf8) {
            rest[name] = nil
        }
    }

    private static func isName(_ name: String) -> Bool {
        name == "data_base64"
            || !name.isEmpty
                && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
    }

    /// Removes the attribute. Returns whether it was there.
    mutating func remove(_ name: String) -> Bool { rest.removeValue(forKey: name) != nil }

    /// Returns the text of the attribute, or nil if it is missing.
    mutating func text(_ name: String) throws(DaybookError) -> String? {
        guard let value = rest.removeValue(forKey: name) else { return nil }
        return try JSONScanner.text(of: value).orThrow(.invalid, "its '\(name)' is not a string")
    }

    /// Returns the text of an attribute that must exist and not be empty.
    mutating func required(_ name: String) throws(DaybookError) -> String {
        let text = try text(name) ?? ""
        try require(!text.isEmpty, .invalid, "it has no '\(name)'")
        return text
    }

    /// Returns the value of the attribute's text, or nil if it is missing.
    ///
    /// - Parameter what: the kind of the value, for the error.
    mutating func value<Value: LosslessStringConvertible>(
        _ name: String, _ what: String
    ) throws(DaybookError) -> Value? {
        guard let text = try text(name) else { return nil }
        return try Value(text).orThrow(.invalid, "its '\(name)' is not \(what)")
    }

    /// Returns the bytes of a base64 attribute, or nil if it is missing.
    mutating func base64(_ name: String) throws(DaybookError) -> [UInt8]? {
        guard let text = try text(name) else { return nil }
        return Array(
            try Data(base64Encoded: text).orThrow(.invalid, "its '\(name)' is not base64"))
    }

    /// Returns the data: the JSON as it is, the text of a string if the type is not JSON, or the
    /// bytes.
    mutating func data(of contentType: String) throws(DaybookError) -> [UInt8] {
        let bytes = try base64("data_base64")
        guard let value = rest.removeValue(forKey: "data") else { return bytes ?? [] }
        try require(bytes == nil, .invalid, "it has both 'data' and 'data_base64'")
        if !CloudEvents.isJSON(contentType), let text = JSONScanner.text(of: value) {
            return Array(text.utf8)
        }
        return Array(value)
    }
}
