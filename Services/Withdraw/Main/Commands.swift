public import CommandLine

extension Executable {
    /// The executable `withdraw`.
    public static let withdraw = Executable(WithdrawService.self)
}
