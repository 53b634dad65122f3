import EventSourcing
public import Foundation
public import ZeroMQ

/// The file of a secret key, which only its owner may read.
public enum KeyFile {
    private static let heading = "# Daybook: the secret key of "

    /// Creates the file.
    ///
    /// - Parameter name: the name of the key, for the heading.
    /// - Throws: `invalid` if the file exists or can't be created.
    public static func write(_ pair: CurveKeyPair, of name: String, to file: URL) throws {
        let text = heading + name + "\n" + pair.secret + "\n"
        // A chmod afterwards would let others read the new file for a moment.
        let mask = umask(0o077)
        defer { umask(mask) }
        do {
            try Data(text.utf8).write(to: file, options: .withoutOverwriting)
        } catch {
            throw DaybookError(
                .invalid, "the key file \(file.path) can't be created; does it exist already?")
        }
    }

    /// Reads the file.
    ///
    /// - Throws: `invalid` if the file can't be read, has no key or is open to other users. The
    ///   message contains the path and nothing of the content.
    public static func read(_ file: URL) throws -> CurveKeyPair {
        let data = try FileManager.default.contents(atPath: file.path).orThrow(
            .invalid, "the key file \(file.path) can't be read")
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        let mode = (attributes[.posixPermissions] as? Int) ?? 0
        try require(
            mode & 0o077 == 0, .invalid,
            "other users may read the key file \(file.path); run: chmod 600 \(file.path)")
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let secret = lines.first(where: { !$0.hasPrefix("#") }),
            let pair = CurveKeyPair(secret: String(secret))
        else {
            throw DaybookError(
                .invalid, "\(file.path) is not a key file; create one with: event-store keys new")
        }
        return pair
    }
}
