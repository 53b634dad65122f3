import ServiceKit
import WithdrawMain

await Executable.withdraw.run()
