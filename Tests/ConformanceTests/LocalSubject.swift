import CarrierConformance
import CarrierLocal
import Fabric

/// The local carrier, into directories.
struct LocalSubject: ConformanceSubject {
    let title = "local"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .breakage(.full), .breakage(.readOnly), .breakage(.absent),
    ]
    let excuses = localExcuses

    func makeCarrier() async throws -> any Carrier { LocalCarrier() }

    func makeFarSide() async throws -> any FarSide {
        try DirectoryFarSide { Route(scheme: "local", address: $0) }
    }
}

private let localExcuses = excusing([
    ("a directory of this machine has no peer that could die while we live", CaseNames.dying),
    ("a disk that hangs holds the calling thread in the kernel, and no program can end that call", CaseNames.silence),
    ("a directory answers nothing but what the kernel says", CaseNames.nonsense),
    ("a directory has no key", CaseNames.keys),
    ("what lies in a directory of this machine has arrived: there is nothing to receive it from", CaseNames.receiving),
    ("the carrier has no limit of its own", CaseNames.needing(.limit)),
    ("copying within a machine begins again: it is as quick as comparing", CaseNames.needing(.resuming)),
])
