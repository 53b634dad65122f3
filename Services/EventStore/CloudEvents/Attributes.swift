import EventSourcing
import Foundation
import JSON

/// The attributes of a CloudEvent. Each is read once, so that the remaining ones are known.
struct Attributes {
    /// The attributes that are not read yet, as JSON.
    private(set) var rest: [String: ArraySlice<UInt8>] = [:]

    init(_ line: ArraySlice<UInt8>) throws(DaybookError) {
        for (name, value) in try Self.members(of: line) {
            guard Self.isName(name) else {
                throw DaybookError(
                    .invalid, "'\(name)' is not an attribute name: use a-z and 0-9")
            }
            guard rest.updateValue(value, forKey: name) == nil else {
                throw DaybookError(.invalid, "it has '\(name)' twice")
            }
        }
        // A null attribute counts as missing, but the data may be null.
        for (name, value) in rest where name != "data" && value.elementsEqual("null".utf8) {
            rest[name] = nil
        }
    }

    private static func members(
        of line: ArraySlice<UInt8>
    ) throws(DaybookError) -> [(name: String, value: ArraySlice<UInt8>)] {
        do throws(JSONError) {
            return try JSONScanner.members(of: line)
        } catch {
            throw DaybookError(
                .invalid, "it is not JSON at byte \(error.offset + 1): \(error.reason)")
        }
    }

    private static func isName(_ name: String) -> Bool {
        name == "data_base64"
            || !name.isEmpty
                && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
    }

    /// Returns the text of the attribute, or nil if it is missing.
    mutating func text(_ name: String) throws(DaybookError) -> String? {
        guard let value = rest.removeValue(forKey: name) else { return nil }
        guard let text = JSONScanner.text(of: value) else {
            throw DaybookError(.invalid, "its '\(name)' is not a string")
        }
        return text
    }

    /// Returns the text of an attribute that must exist and not be empty.
    mutating func required(_ name: String) throws(DaybookError) -> String {
        guard let text = try text(name), !text.isEmpty else {
            throw DaybookError(.invalid, "it has no '\(name)'")
        }
        return text
    }

    /// Returns the value of the attribute's text, or nil if it is missing.
    ///
    /// - Parameter what: the kind of the value, for the error.
    mutating func value<Value: LosslessStringConvertible>(
        _ name: String, _ what: String
    ) throws(DaybookError) -> Value? {
        guard let text = try text(name) else { return nil }
        guard let value = Value(text) else {
            throw DaybookError(.invalid, "its '\(name)' is not \(what)")
        }
        return value
    }

    /// Returns the bytes of a base64 attribute, or nil if it is missing.
    mutating func base64(_ name: String) throws(DaybookError) -> [UInt8]? {
        guard let text = try text(name) else { return nil }
        guard let data = Data(base64Encoded: text) else {
            throw DaybookError(.invalid, "its '\(name)' is not base64")
        }
        return Array(data)
    }

    /// Returns the data: the JSON as it is, the text of a string if the type is not JSON, or the
    /// bytes.
    mutating func data(of contentType: String) throws(DaybookError) -> [UInt8] {
        let bytes = try base64("data_base64")
        guard let value = rest.removeValue(forKey: "data") else { return bytes ?? [] }
        guard bytes == nil else {
            throw DaybookError(.invalid, "it has both 'data' and 'data_base64'")
        }
        if !CloudEvents.isJSON(contentType), let text = JSONScanner.text(of: value) {
            return Array(text.utf8)
        }
        return Array(value)
    }
}
