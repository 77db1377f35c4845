//! Something of each person, by their numbers: these are dense within each bucket, so that it takes the room of what is held.

use spec::PersonId;

/// Up to one thing of each person.
pub(super) struct ByPerson<T> {
    /// By bucket, then by the number within it.
    buckets: Vec<Vec<Option<T>>>,
}

impl<T> Default for ByPerson<T> {
    fn default() -> ByPerson<T> {
        ByPerson { buckets: Vec::new() }
    }
}

impl<T: Copy> ByPerson<T> {
    pub(super) fn get(&self, person: PersonId) -> Option<T> {
        *self.buckets.get(usize::from(person.bucket()))?.get(person.local() as usize)?
    }

    /// Holds a thing instead of the one before.
    pub(super) fn insert(&mut self, person: PersonId, thing: T) {
        let (bucket, local) = (usize::from(person.bucket()), person.local() as usize);
        if self.buckets.len() <= bucket {
            self.buckets.resize_with(bucket + 1, Vec::new);
        }
        let of_bucket = &mut self.buckets[bucket];
        if of_bucket.len() <= local {
            of_bucket.resize(local + 1, None);
        }
        of_bucket[local] = Some(thing);
    }

    /// Somebody of whom there is something.
    pub(super) fn any(&self) -> Option<PersonId> {
        let of_bucket = |(bucket, of_bucket): (u16, &Vec<Option<T>>)| {
            let local = of_bucket.iter().position(Option::is_some)?;
            Some(PersonId::new(bucket, u32::try_from(local).ok()?))
        };
        (0..).zip(&self.buckets).find_map(of_bucket)
    }
}
