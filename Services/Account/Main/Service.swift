public import AccountDomain
public import CommandLine
public import Contracts
public import EventSourcing
public import ServiceRuntime

/// A service that moves money into accounts or out of them, and lists what it moved.
public protocol MovementService: ServiceProgram where Subject == Account {
    /// The message that moves money.
    associatedtype Message: Codable & Sendable
    /// A movement, as lists show it.
    associatedtype Movement: MovementView

    /// The name of the call that carries the message.
    static var call: String { get }
    /// Creates the message that moves an amount, for an account, with a reference.
    static var message: @Sendable (_ account: String, Money, _ reference: String) -> Message { get }
    /// What a movement is called, such as `withdrawal`.
    static var noun: String { get }
    /// What a movement did, such as `withdrew`.
    static var pastTense: String { get }
    /// The query for the movements of an account.
    static var movements: ServiceQuery<Self, String, [Movement]> { get }

}

extension MovementService {
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
