public import AccountDomain
public import CommandLine
public import Contracts
public import EventSourcing
public import ServiceRuntime

/// A service that moves money into accounts or out of them, and lists what it moved.
public protocol MovementService: ServiceProgram
where Subject == Account, Shown.Model: MovementModel {
    /// The message that moves money.
    associatedtype Message: Codable & Sendable

    /// The name of the call that carries the message.
    static var call: String { get }
    /// What a movement is called, such as `withdrawal`.
    static var noun: String { get }
    /// What a movement did, such as `withdrew`.
    static var pastTense: String { get }
    /// The query for the movements of an account.
    static var movements: ServiceQuery<Self, String, [Shown.Model.Movement]> { get }

    /// Returns the message that moves an amount.
    static func message(account: String, amount: Money, reference: String) -> Message
    /// Returns the command that the message stands for.
    static func command(_ message: Message) -> Account.Command
}

extension MovementService {
    /// The one that moves money.
    public static var commands: [ServiceCommand<Account>] { [.init(call) { command($0) }] }
    /// The one for the movements of an account.
    public static var queries: [any AnsweredQuery<Self>] { [movements] }
}

/// A movement of money, as lists show it.
public protocol MovementView: AccountRow {
    /// The time of commit.
    var time: Timestamp { get }
    /// The amount moved, in minor units of `currency`.
    var amount: Int64 { get }
    /// The currency of the amount.
    var currency: Currency { get }
    /// The purpose of the movement, or the reason of the reversal.
    var reference: String { get }
}
