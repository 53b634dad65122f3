public import Foundation

extension FileHandle {
    /// Writes the data and ignores errors, such as a closed pipe or a full disk. `write(_:)` would
    /// crash the process.
    public func tell(_ data: Data) { try? write(contentsOf: data) }

    /// Writes the text as UTF-8 and ignores errors.
    public func tell(_ text: String) { tell(Data(text.utf8)) }
}
