import Bytes
import Crypto
import JSON

/// A command with times that its caller's clock gives.
///
/// They differ when a person gives the command again, so they do not tell commands apart.
public protocol ClockedCommand: Encodable {
    /// The command with fixed values in place of these times.
    var withoutTimes: Self { get }
}

/// The digest of a command, by which a repetition of the command differs from another command with
/// the same id.
public enum CommandDigest {
    /// Returns the first 16 bytes of a SHA-256, as 32 hexadecimal digits.
    ///
    /// The form in which the command travelled does not matter, because this encodes it with sorted
    /// members.
    ///
    /// - Parameters:
    ///   - name: the name of the command, such as `CreditMoney`.
    ///   - service: the name of the service that carries it out.
    public static func text(
        of command: some Encodable, named name: String, at service: String
    ) throws -> String {
        let clocked = command as? any ClockedCommand
        let content = try clocked.map { try JSON.text($0.withoutTimes) } ?? JSON.text(command)
        let digest = Array(SHA256.hash(data: try JSON.data([service, name, content])))
        let start = digest.span.eventID(at: 0)
        return start.high.hexadecimal + start.low.hexadecimal
    }
}
