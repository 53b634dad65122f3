import AccountMain
public import CommandLine

extension Executable {
    /// The executable `withdraw`.
    public static let withdraw = Executable(WithdrawService.self)
}

extension WithdrawService {
    static let abstract = "Take money out of an account."
    static let noun = "withdrawal"
    static let pastTense = "withdrew"
}
