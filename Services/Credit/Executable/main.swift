import CommandLine
import CreditMain

await Executable.credit.run()
