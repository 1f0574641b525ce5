/// Why a change or a question was not done.
enum JobFailure: Error {
    /// What was asked for is not possible, as things are.
    case store(StoreError)
    /// The database did not do a statement.
    case sql(SQLFailure)

    /// What the caller is told.
    var told: StoreError {
        switch self {
        case .store(let error): error
        case .sql(let failure): StoreError(failure)
        }
    }
}
