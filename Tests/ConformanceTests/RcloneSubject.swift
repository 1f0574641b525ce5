import CarrierConformance
import CarrierExec
import Fabric
import Foundation

/// The example in Python over rclone, into a directory of this machine.
struct RcloneSubject: ConformanceSubject {
    let title = "tcd-carrier-rclone"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .breakage(.full), .breakage(.readOnly), .breakage(.absent),
    ]
    let excuses = excusing([
        ("rclone's local remote has no peer; that rclone itself is gone is tried with 'exec'", CaseNames.dying),
        ("rclone's local remote does not hang; a plug-in that hangs is tried with 'exec'", CaseNames.silence),
        ("rclone's local remote answers what the kernel says", CaseNames.nonsense),
        ("the keys of remotes are rclone's own affair", CaseNames.keys),
        ("the plug-in delivers only", CaseNames.receiving),
        ("the plug-in has no limit of its own", CaseNames.needing(.limit)),
        ("'rclone rcat' begins again", CaseNames.needing(.resuming)),
    ])

    func makeCarrier() async throws -> any Carrier {
        try await PluginFiles.carrier("rclone", in: PluginFiles.examples, stallTime: .seconds(60))
    }

    func makeFarSide() async throws -> any FarSide {
        try DirectoryFarSide { Route(scheme: "rclone", address: ":local:" + $0) }
    }
}
